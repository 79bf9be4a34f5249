/** The server's default. */
export const MAX_PAYLOAD = 1024 * 1024;
/** For what we put into the headers ourselves, and for their encoding. */
const OVERHEAD = 16 * 1024;
/** Of one message, headers included. */
export const MAX_BYTES = MAX_PAYLOAD - OVERHEAD;
