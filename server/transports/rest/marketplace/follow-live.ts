import { z } from 'zod';
import type { LiveFigures, ProviderService } from '../../../domains/providers/index.ts';
import type { Clock } from '../../../kernel/clock.ts';
import { priceToText } from '../../../kernel/money.ts';
import { COSTS } from '../../../kernel/operation.ts';
import type { HttpResponse } from '../../../platform/http/types.ts';
import { defineRawRoute } from '../define-route.ts';
import { eventStream } from '../event-stream.ts';
import { checkInput, readQuery } from '../read-input.ts';

/** Figures of the present, as server-sent events. */
export const followLiveMarket = ({ providers, clock }: { providers: ProviderService; clock: Clock }) =>
  defineRawRoute({
    operation: 'marketplace.analytics.live',
    method: 'GET',
    path: '/api/v1/marketplace/analytics/live',
    access: 'money.read',
    cost: COSTS.connection,
    audit: 'none',
    summary:
      'Figures of the present, every second, as server-sent events: your own requests that run and wait and their tokens a second, what your own providers work on, and the public prices. Who reads too slowly is cut off.',
    response: 'text/event-stream',
    status: 200,
    errors: ['invalid_input', 'limit_reached'],
    handle: async ({ actor, request }): Promise<HttpResponse> => {
      checkInput(z.strictObject({}), readQuery(request.query), 'query');
      const figures = providers.followLive(actor, request.signal);
      return eventStream(figures, { greeting: 'figures follow', toEvent: eventOf, clock });
    },
  });

const eventOf = ({ atMs, prices, ...figures }: LiveFigures): string => {
  const data = {
    at: new Date(atMs).toISOString(),
    ...figures,
    prices: prices.map(({ model, providers, pricesMin: { prompt, cachedPrompt, completion } }) => ({
      model,
      providers,
      pricesMin: {
        prompt: priceToText(prompt),
        cachedPrompt: priceToText(cachedPrompt),
        completion: priceToText(completion),
      },
    })),
  };
  return `event: figures\ndata: ${JSON.stringify(data)}\n\n`;
};
