curl -X POST "$QSTASH_URL/v2/publish/$QSTASH_URL/api/jobs/cleanup" \
  -H "Authorization: Bearer $QSTASH_TOKEN" \
  -H 'Content-Type: application/json' \
  -d '{"retention": 90}'
