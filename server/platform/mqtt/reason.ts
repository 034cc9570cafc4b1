/** Why the server ends a connection or refuses a publication, in MQTT 5's words; 3.1.1 has none [MQTT-4.8.0-1]. */
export interface MqttReason {
  readonly reasonCode: number;
  readonly reason: string;
}
