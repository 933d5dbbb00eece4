<?php
// The token endpoint: whoever is signed in at your site gets a session token for the chat.
// SITE_KEY is one of the service's SITE_KEYS; it never goes into a page.
session_start();
if (!isset($_SESSION['user_id'])) {
    http_response_code(401);
    exit;
}
$server = getenv('CHAT_SERVER') ?: 'https://chat.example.org';
$call = curl_init("$server/api/session");
curl_setopt_array($call, [
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_TIMEOUT => 10,
    CURLOPT_POSTFIELDS => json_encode(['user_id' => (string) $_SESSION['user_id']]),
    CURLOPT_HTTPHEADER => ['Authorization: Bearer ' . getenv('SITE_KEY'), 'Content-Type: application/json'],
]);
$answer = curl_exec($call);
if (curl_getinfo($call, CURLINFO_RESPONSE_CODE) !== 201) {
    http_response_code(502);
    exit;
}
header('Content-Type: application/json');
header('Cache-Control: no-store');
$session = json_decode($answer);
echo json_encode(['session_token' => $session->session_token, 'expires_at' => $session->expires_at]);
