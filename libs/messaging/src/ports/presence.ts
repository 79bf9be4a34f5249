/** The processes of a service that take events, as its own database sees them. */
export interface Presence {
  /**
   * Notes that this process is there: until `leave`, or as long as its connection lives.
   * @returns whether within the last `ms`, by the database's clock, another one was found to have ended without `leave`
   * @throws StoreError without a database
   */
  watch(ms: number): Promise<boolean>;
  /** This process ends, with nothing in its hands. */
  leave(): Promise<void>;
}
