<?php
/**
 * Plugin Name: thread-proxy chat
 * Description: The chat bubble on every page. Signed-in users are verified, so that nobody can speak for them.
 * Version: 1.0
 *
 * Put this file into wp-content/plugins/ and switch it on. In wp-config.php:
 *   define('CHAT_SERVER', 'https://chat.example.org');
 *   define('CHAT_SITE_KEY', '…');   // one of the service's SITE_KEYS; leave it out for anonymous visitors only
 */

defined('ABSPATH') || exit;

add_action('wp_footer', function () {
    $server = esc_url(CHAT_SERVER);
    $token = thread_proxy_chat_token();
    if ($token === null) {
        echo "<script src=\"$server/widget.js\" async></script>";
        return;
    }
    printf(
        '<script src="%s/widget.js" data-user-token="%s" async></script>',
        $server,
        esc_attr($token)
    );
});

/** A session token for the user who is signed in; null for a guest, and where the service cannot be reached. */
function thread_proxy_chat_token(): ?string
{
    if (!is_user_logged_in() || !defined('CHAT_SITE_KEY')) {
        return null;
    }
    $answer = wp_remote_post(CHAT_SERVER . '/api/session', [
        'timeout' => 5,
        'headers' => ['Authorization' => 'Bearer ' . CHAT_SITE_KEY, 'Content-Type' => 'application/json'],
        'body' => wp_json_encode(['user_id' => (string) get_current_user_id()]),
    ]);
    if (wp_remote_retrieve_response_code($answer) !== 201) {
        return null;
    }
    return json_decode(wp_remote_retrieve_body($answer))->session_token;
}
