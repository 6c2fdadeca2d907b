curl -H "Authorization: Bearer $QSTASH_TOKEN" "$QSTASH_URL/v2/events?count=5"
