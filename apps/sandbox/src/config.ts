import { z } from 'zod';

const port = (fallback: number) => z.coerce.number().int().min(0).max(65_535).default(fallback);

const Config = z.object({
  HOST: z.string().default('127.0.0.1'),
  PORT: port(3900),
  SMTP_PORT: port(1025),
  DATABASE_URL: z.string(),
  LOG_LEVEL: z.enum(['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace']).default('info'),
});

const SetupConfig = z.object({
  OWNER_DATABASE_URL: z.string(),
  /** Goes into a GRANT as an identifier. */
  LOGIN_ROLE: z.string().default('sandbox'),
});

/** Both throw one error that lists everything that is wrong with the environment. */
export const readConfig = () => read(Config);
export const readSetupConfig = () => read(SetupConfig);

function read<S extends z.ZodType>(schema: S): z.infer<S> {
  const result = schema.safeParse(process.env);
  if (!result.success) throw new Error(`The environment is not usable:\n${z.prettifyError(result.error)}`);
  return result.data;
}
