/** Several signs of life may get lost; who was killed is missed for so long. */
const KEPT_MS = 30_000;
/** How often a member gives one. */
export const SIGN_MS = 8_000;

/** The other members of a group, as far as they have made themselves heard. */
export class Roster {
  private readonly heard = new Map<string, number>();

  note(id: string): void {
    this.heard.set(id, performance.now());
  }

  remove(id: string): void {
    this.heard.delete(id);
  }

  get ids(): string[] {
    const oldest = performance.now() - KEPT_MS;
    for (const [id, at] of this.heard) if (at < oldest) this.heard.delete(id);
    return [...this.heard.keys()];
  }
}
