module github.com/stagecoach-llm/stagecoach/shard

go 1.26.0

require github.com/stagecoach-llm/stagecoach/transport v0.0.0

require (
	github.com/prometheus/client_golang v1.25.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.43.0 // indirect
)

replace github.com/stagecoach-llm/stagecoach/transport => ../transport
