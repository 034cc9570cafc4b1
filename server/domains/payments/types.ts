/** Whether a tenant has a verified way to pay, and to be paid. */
export interface PaymentStanding {
  readonly canPay: boolean;
  readonly canBePaid: boolean;
}
