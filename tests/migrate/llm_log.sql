-- A log of llm, written by llm 0.26 (two rows of responses), then by llm 0.36 (three turns).
CREATE TABLE "conversations" (
   "id" TEXT PRIMARY KEY,
   "name" TEXT,
   "model" TEXT
);
INSERT INTO conversations VALUES ('01m83tssbswjk631hn8xgkwnec', 'What is the capital of Japan?', 'small');
CREATE TABLE "responses" (
   "id" TEXT PRIMARY KEY,
   "model" TEXT,
   "prompt" TEXT,
   "system" TEXT,
   "prompt_json" TEXT,
   "options_json" TEXT,
   "response" TEXT,
   "response_json" TEXT,
   "conversation_id" TEXT REFERENCES "conversations"("id"),
   "duration_ms" INTEGER,
   "datetime_utc" TEXT,
   "input_tokens" INTEGER,
   "output_tokens" INTEGER,
   "token_details" TEXT,
   "schema_id" TEXT REFERENCES "schemas"("id")
, "resolved_model" TEXT, "reasoning" TEXT);
INSERT INTO responses VALUES ('01m83tss7j898wdazct6fqjg1c', 'small', 'What is the capital of Japan?', 'Be brief.', '{"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is the capital of Japan?"}]}', '{"temperature": 0.2}', 'Tokyo.', '{"id": "x", "choices": [{"finish_reason": "stop", "index": 0, "message": {"content": {"$": "r:01m83tss7j898wdazct6fqjg1c"}, "role": "assistant"}}], "created": 1, "model": "small-1", "object": "chat.completion", "usage": {"completion_tokens": 2, "prompt_tokens": 9, "total_tokens": 11}}', '01m83tssbswjk631hn8xgkwnec', 135, '2026-11-23T09:11:41.042404+00:00', 9, 2, NULL, NULL, NULL, NULL);
INSERT INTO responses VALUES ('01m83tssw6qrvhmzx53593rmh0', 'small', 'And its river?', NULL, '{"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is the capital of Japan?"}, {"role": "assistant", "content": {"$": "r:01m83tssw6qrvhmzx53593rmh0"}}, {"role": "user", "content": "And its river?"}]}', '{}', 'Tokyo.', '{"id": "x", "choices": [{"finish_reason": "stop", "index": 0, "message": {"content": {"$": "r:01m83tssw6qrvhmzx53593rmh0"}, "role": "assistant"}}], "created": 1, "model": "small-1", "object": "chat.completion", "usage": {"completion_tokens": 2, "prompt_tokens": 9, "total_tokens": 11}}', '01m83tssbswjk631hn8xgkwnec', 127, '2026-11-23T09:11:41.702964+00:00', 9, 2, NULL, NULL, NULL, NULL);
CREATE TABLE "messages" (
   "hash" TEXT PRIMARY KEY,
   "parent_hash" TEXT REFERENCES "messages"("hash"),
   "role" TEXT,
   "provider_metadata" TEXT
);
INSERT INTO messages VALUES ('b2:84f16c8d5c082c5ce514f7c17af211c3', NULL, 'user', NULL);
INSERT INTO messages VALUES ('b2:9f4cdcc419836af4a5bd1657fca4dfcb', 'b2:84f16c8d5c082c5ce514f7c17af211c3', 'assistant', NULL);
CREATE TABLE "parts" (
   "id" INTEGER PRIMARY KEY,
   "message_hash" TEXT REFERENCES "messages"("hash"),
   "position" INTEGER,
   "type" TEXT,
   "tool_name" TEXT,
   "text" TEXT,
   "payload" TEXT
);
INSERT INTO parts VALUES (1, 'b2:84f16c8d5c082c5ce514f7c17af211c3', 0, 'text', NULL, 'third', NULL);
INSERT INTO parts VALUES (2, 'b2:9f4cdcc419836af4a5bd1657fca4dfcb', 0, 'text', NULL, 'Tokyo.', NULL);
CREATE TABLE "threads" (
   "id" TEXT PRIMARY KEY,
   "name" TEXT,
   "tip_message_hash" TEXT REFERENCES "messages"("hash"),
   "forked_from" TEXT REFERENCES "threads"("id"),
   "datetime_utc" TEXT
);
INSERT INTO threads VALUES ('01m83tstm78gfz5c71thehfrv9', 'third', 'b2:9f4cdcc419836af4a5bd1657fca4dfcb', NULL, '2026-11-23 09:11:42.550265+00:00');
CREATE TABLE "turns" (
   "id" TEXT PRIMARY KEY,
   "thread_id" TEXT REFERENCES "threads"("id"),
   "parent_message_hash" TEXT REFERENCES "messages"("hash"),
   "tip_message_hash" TEXT REFERENCES "messages"("hash"),
   "model" TEXT,
   "resolved_model" TEXT,
   "options_json" TEXT,
   "schema_id" TEXT REFERENCES "schemas"("id"),
   "input_tokens" INTEGER,
   "output_tokens" INTEGER,
   "token_details" TEXT,
   "duration_ms" INTEGER,
   "datetime_utc" TEXT
, "response_json" TEXT);
INSERT INTO turns VALUES ('01m83tstm8xa8fkc5qt6r54a0x', '01m83tstm78gfz5c71thehfrv9', 'b2:84f16c8d5c082c5ce514f7c17af211c3', 'b2:9f4cdcc419836af4a5bd1657fca4dfcb', 'small', NULL, NULL, NULL, 9, 2, NULL, 76, '2026-11-23T09:11:42.472793+00:00', '{"id": "x", "choices": [{"finish_reason": "stop", "index": 0, "message": {"content": "Tokyo.", "role": "assistant"}}], "created": 1, "model": "small-1", "object": "chat.completion", "usage": {"completion_tokens": 2, "prompt_tokens": 9, "total_tokens": 11}}');
INSERT INTO messages VALUES ('b2:074dea0bd0259e0d5dca16426a45e4f5', NULL, 'system', NULL);
INSERT INTO messages VALUES ('b2:9db4113c92cee9ceb0dc9ca578a07f04', 'b2:074dea0bd0259e0d5dca16426a45e4f5', 'user', NULL);
INSERT INTO messages VALUES ('b2:9e6f04a183352dfcb8825bfbb65e4720', 'b2:9db4113c92cee9ceb0dc9ca578a07f04', 'assistant', NULL);
INSERT INTO messages VALUES ('b2:ce1d9fd12a2d42225d5a7a33214c6266', 'b2:9e6f04a183352dfcb8825bfbb65e4720', 'user', NULL);
INSERT INTO messages VALUES ('b2:ebb7e3a97fffa12b943256e63d2dfd6c', 'b2:ce1d9fd12a2d42225d5a7a33214c6266', 'assistant', NULL);
INSERT INTO parts VALUES (101, 'b2:074dea0bd0259e0d5dca16426a45e4f5', 0, 'text', NULL, 'Be brief.', NULL);
INSERT INTO parts VALUES (102, 'b2:9db4113c92cee9ceb0dc9ca578a07f04', 0, 'text', NULL, 'What is the capital of Japan?', NULL);
INSERT INTO parts VALUES (103, 'b2:9e6f04a183352dfcb8825bfbb65e4720', 0, 'text', NULL, 'Tokyo.', NULL);
INSERT INTO parts VALUES (104, 'b2:ce1d9fd12a2d42225d5a7a33214c6266', 0, 'text', NULL, 'And its river?', NULL);
INSERT INTO parts VALUES (105, 'b2:ebb7e3a97fffa12b943256e63d2dfd6c', 0, 'text', NULL, 'Tokyo.', NULL);
INSERT INTO threads VALUES ('01m83tdxbfgb5yxcpyf5mt3ns0', 'What is the capital of Japan?', 'b2:ebb7e3a97fffa12b943256e63d2dfd6c', NULL, '2026-11-23 09:05:12.114115+00:00');
INSERT INTO turns VALUES ('01m83tdxbgpg0s1kh1ej7wcdzx', '01m83tdxbfgb5yxcpyf5mt3ns0', 'b2:9db4113c92cee9ceb0dc9ca578a07f04', 'b2:9e6f04a183352dfcb8825bfbb65e4720', 'small', NULL, NULL, NULL, 9, 2, NULL, 64, '2026-11-23T09:05:12.048893+00:00', '{"id": "x", "choices": [{"finish_reason": "stop", "index": 0, "message": {"content": "Tokyo.", "role": "assistant"}}], "created": 1, "model": "small-1", "object": "chat.completion", "usage": {"completion_tokens": 2, "prompt_tokens": 9, "total_tokens": 11}}');
INSERT INTO turns VALUES ('01m83tdy1m7fe3mb9jhrh667b2', '01m83tdxbfgb5yxcpyf5mt3ns0', 'b2:ce1d9fd12a2d42225d5a7a33214c6266', 'b2:ebb7e3a97fffa12b943256e63d2dfd6c', 'small', NULL, NULL, NULL, 9, 2, NULL, 69, '2026-11-23T09:05:12.756575+00:00', '{"id": "x", "choices": [{"finish_reason": "stop", "index": 0, "message": {"content": "Tokyo.", "role": "assistant"}}], "created": 1, "model": "small-1", "object": "chat.completion", "usage": {"completion_tokens": 2, "prompt_tokens": 9, "total_tokens": 11}}');
