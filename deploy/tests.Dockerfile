# The whole suite, for docker-compose.test.yml.
ARG NODE_IMAGE=node:24-trixie-slim
FROM ${NODE_IMAGE}
# The foreign programs that tests drive.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends chromium gcc libc6-dev libfuse3-dev mosquitto-clients procps \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY patches ./patches
RUN npm ci
COPY . .
RUN npm run build
CMD ["npx", "vitest", "run"]
