module github.com/stagecoach-llm/stagecoach/coordinator

go 1.26.0

require (
	github.com/stagecoach-llm/stagecoach/shard v0.0.0
	github.com/stagecoach-llm/stagecoach/transport v0.0.0
)

require (
	go.etcd.io/bbolt v1.5.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.43.0 // indirect
)

replace github.com/stagecoach-llm/stagecoach/transport => ../transport

replace github.com/stagecoach-llm/stagecoach/shard => ../shard
