// A server and a client of Go's net/http, both of HTTP/2, with a proxy between them: `midwire-http2 http://127.0.0.1:8080`. What each request has
// come to is a line: its name, the versions that the client and the server spoke, the status, and the body, its hash, or the error.
package main

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
)

func serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Proto", r.Proto)
	switch r.URL.Path {
	case "/trailers":
		w.Header().Set("Trailer", "X-Down")
		io.Copy(w, r.Body)
		w.Header().Set("X-Down", "after "+r.Trailer.Get("X-Up"))
	case "/hash":
		hash := sha256.New()
		io.Copy(hash, r.Body)
		fmt.Fprintf(w, "%x", hash.Sum(nil))
	case "/early":
		w.WriteHeader(413)
		w.Write([]byte("no"))
	case "/abort":
		w.Write([]byte("some"))
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	case "/hints":
		w.Header().Set("Link", "</a>")
		w.WriteHeader(103)
		w.Write([]byte("hinted"))
	case "/204":
		w.WriteHeader(204)
	case "/304":
		w.WriteHeader(304)
	default:
		w.Write(bytes.Repeat([]byte("abcdefgh"), 1<<13))
	}
}

func tell(name string, response *http.Response, err error) {
	if err != nil {
		fmt.Println(name, err)
		return
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	text := string(body)
	if len(text) > 100 {
		text = fmt.Sprint(len(text), " bytes")
	}
	fmt.Println(name, response.Proto, response.Header.Get("X-Proto"), response.StatusCode, text, response.Trailer, err)
}

func main() {
	server := httptest.NewUnstartedServer(http.HandlerFunc(serve))
	server.EnableHTTP2 = true
	server.StartTLS()
	proxy, err := url.Parse(os.Args[1])
	if err != nil {
		panic(err)
	}
	client := &http.Client{Transport: &http.Transport{
		Proxy:             http.ProxyURL(proxy),
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
		ForceAttemptHTTP2: true,
	}}
	for _, path := range []string{"/", "/204", "/304", "/hints", "/abort"} {
		response, err := client.Get(server.URL + path)
		tell("GET "+path, response, err)
	}
	response, err := client.Head(server.URL)
	tell("HEAD /", response, err)
	request, _ := http.NewRequest("POST", server.URL+"/trailers", io.NopCloser(bytes.NewReader([]byte("text"))))
	request.Trailer = http.Header{"X-Up": {"1"}}
	response, err = client.Do(request)
	tell("POST /trailers", response, err)
	large := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
	response, err = client.Post(server.URL+"/hash", "x", bytes.NewReader(large))
	tell("POST /hash", response, err)
	response, err = client.Post(server.URL+"/early", "x", io.NopCloser(bytes.NewReader(large)))
	tell("POST /early", response, err)
	var whole int64
	var all sync.WaitGroup
	for range 300 {
		all.Add(1)
		go func() {
			defer all.Done()
			response, err := client.Get(server.URL)
			if err != nil {
				return
			}
			defer response.Body.Close()
			if body, err := io.ReadAll(response.Body); err == nil && len(body) == 1<<16 {
				atomic.AddInt64(&whole, 1)
			}
		}()
	}
	all.Wait()
	fmt.Println(whole, "of 300")
}
