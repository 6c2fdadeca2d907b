package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
)

func main() {
	destination := os.Getenv("APP_URL") + "/api/greet"
	body := strings.NewReader(`{"name": "Ada"}`)
	request, err := http.NewRequest(http.MethodPost, os.Getenv("QSTASH_URL")+"/v2/publish/"+destination, body)
	if err != nil {
		log.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+os.Getenv("QSTASH_TOKEN"))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Upstash-Retries", "5")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	var published struct {
		MessageID string `json:"messageId"`
		Error     string `json:"error"`
	}
	if err := json.NewDecoder(response.Body).Decode(&published); err != nil {
		log.Fatal(err)
	}
	if published.Error != "" {
		log.Fatal(response.Status, ": ", published.Error)
	}
	fmt.Println(published.MessageID)
}
