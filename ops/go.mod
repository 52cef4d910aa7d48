module github.com/stagecoach-llm/stagecoach/ops

go 1.26.0

require (
	github.com/stagecoach-llm/stagecoach/coordinator v0.0.0
	github.com/stagecoach-llm/stagecoach/router v0.0.0
	github.com/stagecoach-llm/stagecoach/shard v0.0.0
	github.com/stagecoach-llm/stagecoach/transport v0.0.0
)

require (
	github.com/alecthomas/kong v1.17.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace github.com/stagecoach-llm/stagecoach/transport => ../transport

replace github.com/stagecoach-llm/stagecoach/shard => ../shard

replace github.com/stagecoach-llm/stagecoach/coordinator => ../coordinator

replace github.com/stagecoach-llm/stagecoach/router => ../router
