# One image for every role, and nats-server beside it.
#   docker build .                    builds everything from source (pulls golang)
#   make images                       takes the binaries that were built here (pulls nothing)

FROM scratch AS runtime
USER 65532:65532
ENV STAGECOACH_DATA=/var/lib/stagecoach STAGECOACH_SECRET_FILE=/run/stagecoach/secret
ENTRYPOINT ["/stagecoach"]

FROM runtime AS local
COPY bin/stagecoach bin/nats-server /

FROM golang:1.26 AS build
WORKDIR /src
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o /out/stagecoach ./ops/cmd/stagecoach \
 && CGO_ENABLED=0 go build -C transport -trimpath -ldflags '-s -w' -o /out/nats-server github.com/nats-io/nats-server/v2

FROM runtime
COPY --from=build /out/stagecoach /out/nats-server /
