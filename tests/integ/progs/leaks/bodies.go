// SPDX-License-Identifier: BSD-2-Clause

// Responses whose body is left, or takes its time.
package main

import (
	"io"
	"io/ioutil"
	"net/http"
	"net/http/httptest"
)

// bodies asks for nr streams that never end, and reads them or leaves them.
func bodies(nr int, read bool) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte("hello"))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	for i := 0; i < nr; i++ {
		response, err := http.Get(server.URL)
		if err != nil {
			panic(err)
		}
		if read {
			go io.Copy(ioutil.Discard, response.Body)
		}
	}
}

func init() {
	alone["old-bodies"] = kind{func() { bodies(20, false) }, nil}
	alone["streams"] = kind{func() { bodies(20, true) }, nil}
}
