# The image of one app: docker build --build-arg APP=order-api -t order-events/order-api .
# APP is a folder of apps/; "setup" prepares the databases and the broker for all services, and ends.

FROM node:24-bookworm-slim AS manifests
WORKDIR /app
COPY . .
# Dependencies are installed anew only when one of these has changed.
RUN find . -type f ! -name package.json ! -name package-lock.json ! -name .npmrc -delete

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY --from=manifests /app .
RUN npm ci --ignore-scripts
COPY . .
RUN npx tsc --build apps/* \
  && find apps libs \( -name src -o -name node_modules \) -prune -exec rm -r {} + \
  && find apps libs -type f ! -name '*.js' ! -name '*.proto' ! -name package.json -delete

FROM node:24-bookworm-slim AS production
WORKDIR /app
COPY --from=manifests /app .
ARG APP
RUN npm ci --ignore-scripts --omit=dev --workspace "apps/$APP" \
  && find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.cts' -o -name '*.d.mts' \) -delete
COPY --from=build /app/libs libs
COPY --from=build /app/apps apps
# Of the apps those stay that npm has linked: this one, and for setup those whose setups it runs.
RUN cd apps && for app in *; do test -e "../node_modules/@order-events/$app" || rm -r "$app"; done

FROM debian:bookworm-slim
COPY --from=build /usr/local/bin/node /usr/local/bin/
COPY docker/ready.cjs /app/
COPY --from=production /app/node_modules /app/node_modules
COPY --from=production /app/libs /app/libs
COPY --from=production /app/apps /app/apps
ARG APP
WORKDIR /app/apps/$APP
ENV NODE_ENV=production HOST=0.0.0.0
USER 1000:1000
# Asks PORT, which opens last, or OPERATOR_PORT where there is none: whoever runs the image sets it.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["node", "/app/ready.cjs"]
CMD ["node", "dist/main.js"]
