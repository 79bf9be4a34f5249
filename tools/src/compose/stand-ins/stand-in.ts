import type { Say } from '@order-events/testing';

/**
 * How to build an image that behaves like an official one, as far as our files use it, where no registry of images can be
 * reached. Its programs are real; only the packaging is not the official one.
 */
export interface StandIn {
  dockerfile: string;
  /** By path in the build's context. */
  files?: Readonly<Record<string, string>>;
  /** Copies programs into the build's context. */
  fetch?(context: string, say: Say): Promise<void>;
}

/** Words of a Dockerfile that install packages of Debian. */
export const packages = (...names: string[]) =>
  `RUN apt-get update -q && apt-get install -yq --no-install-recommends ${names.join(' ')} && rm -rf /var/lib/apt/lists/*`;

/** As it is in images that are based on Alpine. */
export const wget = `${packages('busybox')} && ln -s /bin/busybox /usr/local/bin/wget`;
