# Builds with `docker build -t thread-proxy .`; README.md, "In a container", tells how to run it.
FROM node:26-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The optional packages are Node.js itself, for machines that have an older one.
RUN npm ci --omit=dev --omit=optional --ignore-scripts

# The bundler is an optional package as well; only this stage has it.
FROM node:26-slim AS widget
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts
COPY src ./src
RUN node src/commands/build-widget.ts

FROM node:26-slim
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY package.json ./
COPY src ./src
COPY --from=widget /app/dist ./dist
# The one folder that is written to. A volume that is new takes its owner from here.
RUN install -d -o node -g node -m 0700 /data
ENV NODE_ENV=production DATA_DIR=/data PORT=5000
USER node
VOLUME /data
EXPOSE 5000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# No shell and no npm in between: SIGTERM reaches the service itself.
CMD ["node", "src/main.ts"]
