// SPDX-License-Identifier: BSD-2-Clause

// Requests over HTTP/2: one that is not answered, and one whose response nobody reads to its end.
package main

import (
	"net/http"
	"net/http/httptest"
	"sync"
)

var http2 struct {
	sync.Once
	*httptest.Server
}

func overHTTP2() (*http.Client, string) {
	http2.Do(func() {
		http2.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/silent" {
				select {}
			}
			for {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					return
				}
			}
		}))
		http2.EnableHTTP2 = true
		http2.StartTLS()
	})
	return http2.Client(), http2.URL
}

func askSilentServer(client *http.Client, url string) {
	if response, err := client.Get(url + "/silent"); err == nil {
		response.Body.Close()
	}
}

func askAndForget(client *http.Client, url string) { client.Get(url) }

func init() {
	for name, k := range map[string]struct {
		ask     func(*http.Client, string)
		pattern string
	}{
		"silent-server-over-http2": {askSilentServer, "request waits for a silent server"},
		"bodies-over-http2":        {askAndForget, "HTTP body not closed"},
	} {
		ask := k.ask
		alone[name] = kind{func() { go every(150e6, func() { client, url := overHTTP2(); go ask(client, url) }) },
			[]leak{{name, "net/http.(*http2clientStream).doRequest", "select", k.pattern, "growing"}}}
	}
}
