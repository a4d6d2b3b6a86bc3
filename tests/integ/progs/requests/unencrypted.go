// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"net/http"
	"net/http/httptest"
)

// HTTP/2 without TLS, by net/http itself. Go 1.24 and later.
func init() {
	more = append(more, func(h http.Handler) side {
		var both http.Protocols
		both.SetHTTP1(true)
		both.SetUnencryptedHTTP2(true)
		s := httptest.NewUnstartedServer(h)
		s.Config.Protocols = &both
		s.Start()
		var only http.Protocols
		only.SetUnencryptedHTTP2(true)
		return side{"h2c", &http.Client{Transport: &http.Transport{Protocols: &only}}, s.URL}
	})
}
