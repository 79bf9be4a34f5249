/** The processes of a service that take events, as its own database sees them. */
export interface Presence {
  /** What the others know this process by; no other process ever has the same. */
  readonly name: string;
  /**
   * Notes that this process is there: until `leave`, or as long as its connection lives.
   * @returns the names of those that within the last `ms`, by the database's clock, were found to have ended without `leave`
   * @throws StoreError without a database
   */
  watch(ms: number): Promise<readonly string[]>;
  /** This process ends, with nothing in its hands. */
  leave(): Promise<void>;
}
