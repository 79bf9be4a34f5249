import type { OrderBody } from '@order-events/contracts';

/** What both bodies are made from: plain words, nothing escaped yet. */
export interface Content {
  heading: string;
  paragraphs: readonly string[];
  order: OrderBody;
}
