# Two stages: the first has npm and builds the bundle, the second has Node.js and that bundle.
ARG NODE=node:24-bookworm-slim

FROM ${NODE} AS build
WORKDIR /src
# Dependencies first: this layer stays as long as the lock file does.
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY scripts ./scripts
COPY src ./src
RUN npm run build && npm run --silent sbom > dist/sbom.cdx.json

FROM ${NODE}
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="auditail" \
      org.opencontainers.image.description="Ships the Kubernetes audit log, and accounts for every byte of it" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}"
ENV NODE_ENV=production
# The program needs no packages; npm, yarn and corepack have no business in a container that runs as root on a control plane.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack \
           /usr/local/bin/yarn /usr/local/bin/yarnpkg /opt/yarn-v*
COPY --from=build /src/dist/ /opt/auditail/
COPY LICENSE /opt/auditail/LICENSE

# Root, because the API server writes its log with mode 0600 for root; daemonset.yaml takes every capability away from it.
# Where the log can be read by others (its mode and owner carry over at each rotation: `chgrp 65532` and `chmod 0640` once),
# run as 65532 instead: `USER 65532` in an image of your own, or runAsUser in the pod. The third way is a user that is not
# root with CAP_DAC_READ_SEARCH, which reads any file of the node and so is more than root without capabilities has here.
USER 0

STOPSIGNAL SIGTERM
# What was freed goes back to the system at once: glibc's own bounds grow with the first large buffer, and keep 40 MB.
ENV MALLOC_ARENA_MAX=2 MALLOC_TRIM_THRESHOLD_=131072
ENTRYPOINT ["node", "/opt/auditail/auditail.mjs"]
CMD ["run", "--config", "/etc/auditail/auditail.yaml"]
