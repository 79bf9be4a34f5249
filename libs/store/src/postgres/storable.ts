/** What Postgres can keep as text: no NUL. Messages, and errors that quote them, may come with anything. */
export function storable(text: string): string {
  return text.replaceAll('\0', '\ufffd');
}
