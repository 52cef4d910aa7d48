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
	github.com/coder/websocket v1.8.15 // indirect
	github.com/openai/openai-go/v3 v3.96.0 // indirect
	github.com/tidwall/gjson v1.20.0 // indirect
	github.com/tidwall/match v1.1.1 // indirect
	github.com/tidwall/pretty v1.2.1 // indirect
	github.com/tidwall/sjson v1.2.5 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace github.com/stagecoach-llm/stagecoach/transport => ../transport

replace github.com/stagecoach-llm/stagecoach/shard => ../shard

replace github.com/stagecoach-llm/stagecoach/coordinator => ../coordinator

replace github.com/stagecoach-llm/stagecoach/router => ../router
