curl -X POST "$QSTASH_URL/v2/publish/$QSTASH_URL/api/jobs/cleanup" \
  -H "Authorization: Bearer $QSTASH_TOKEN" \
  -H 'Content-Type: application/json' \
  -H 'Upstash-Delay: 10s' \
  -H 'Upstash-Retries: 5' \
  -H 'Upstash-Label: nightly' \
  -d '{"retention": 90}'
