module parkwatch/tests/backends/jaeger

go 1.26.6

require github.com/jaegertracing/jaeger v1.76.0
