# Builds with `docker build -t thread-proxy .`; docs/deploy.md tells how to run it.

# The package that is published (scripts/build-package.ts): JavaScript, the bundled widget, no emulator and no tests.
FROM node:26-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts
COPY . .
RUN node scripts/build-package.ts
WORKDIR /app/dist/package
# The optional packages are Node.js itself, for machines that have an older one.
RUN npm ci --omit=dev --omit=optional --ignore-scripts && du -sh . node_modules

FROM node:26-slim
COPY --from=build /app/dist/package /app
# The one folder that is written to. A volume that is new takes its owner from here.
RUN install -d -o node -g node -m 0700 /data \
  && install -d /site \
  && ln -s /app/bin/thread-proxy /usr/local/bin/thread-proxy
# What the site's owner mounts at /site: assistant.json and documents, both optional.
ENV NODE_ENV=production THREAD_PROXY_DIR=/site DATA_DIR=/data PORT=5000
WORKDIR /site
USER node
VOLUME /data
EXPOSE 5000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# A script that becomes the service: SIGTERM reaches it.
CMD ["thread-proxy"]
