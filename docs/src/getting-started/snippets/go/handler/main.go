package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// verify checks a signature with the current key, then with the next one.
func verify(signature, url string, body []byte) error {
	var err error
	for _, key := range []string{os.Getenv("QSTASH_CURRENT_SIGNING_KEY"), os.Getenv("QSTASH_NEXT_SIGNING_KEY")} {
		if err = verifyWith(key, signature, url, body); err == nil {
			return nil
		}
	}
	return err
}

func verifyWith(key, signature, url string, body []byte) error {
	parts := strings.Split(signature, ".")
	if key == "" || len(parts) != 3 {
		return errors.New("signature missing or malformed")
	}
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(parts[0] + "." + parts[1]))
	given, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || !hmac.Equal(mac.Sum(nil), given) {
		return errors.New("signature does not match")
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return err
	}
	var claims struct {
		Issuer  string `json:"iss"`
		Subject string `json:"sub"`
		Expires int64  `json:"exp"`
		Starts  int64  `json:"nbf"`
		Body    string `json:"body"`
	}
	if err := json.Unmarshal(text, &claims); err != nil {
		return err
	}
	now := time.Now().Unix()
	hash := sha256.Sum256(body)
	switch {
	case claims.Issuer != "Upstash":
		return errors.New("wrong issuer")
	case claims.Subject != url:
		return errors.New("signed for another URL")
	case now >= claims.Expires || now < claims.Starts:
		return errors.New("signature expired")
	case strings.TrimRight(claims.Body, "=") != base64.RawURLEncoding.EncodeToString(hash[:]):
		return errors.New("body changed")
	}
	return nil
}

func greet(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 10_000_000))
	if err != nil {
		http.Error(w, "body too large", http.StatusRequestEntityTooLarge)
		return
	}
	if err := verify(r.Header.Get("Upstash-Signature"), os.Getenv("APP_URL")+"/api/greet", body); err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	var job struct {
		Name string `json:"name"`
	}
	if err := json.Unmarshal(body, &job); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	fmt.Printf("Hello, %s! (%s)\n", job.Name, r.Header.Get("Upstash-Message-Id"))
}

func main() {
	http.HandleFunc("/api/greet", greet)
	listener, err := net.Listen("tcp", os.Getenv("LISTEN"))
	if err != nil {
		log.Fatal(err)
	}
	log.Print("listening on ", listener.Addr())
	log.Fatal(http.Serve(listener, nil))
}
