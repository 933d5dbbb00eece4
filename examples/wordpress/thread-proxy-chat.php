<?php
/**
 * Plugin Name: thread-proxy chat
 * Description: The chat bubble on every page. Signed-in users are verified, so that nobody can speak for them.
 * Version: 1.1
 *
 * Put this file into wp-content/plugins/ and switch it on. In wp-config.php:
 *   define('CHAT_SERVER', 'https://chat.example.org');
 *   define('CHAT_SITE_KEY', '…');   // one of the service's SITE_KEYS; leave it out for anonymous visitors only
 */

defined('ABSPATH') || exit;

add_action('wp_footer', function () {
    if (is_user_logged_in() && defined('CHAT_SITE_KEY')) {
        // The token itself stays out of the page, which a cache may keep; the chat asks again before it ends.
        printf(
            '<thread-proxy-chat></thread-proxy-chat><script>
document.querySelector("thread-proxy-chat").userToken = async () => {
  const response = await fetch(%s);
  if (!response.ok) throw new Error("no token for the chat: " + response.status);
  return (await response.json()).session_token;
};
</script>',
            wp_json_encode(admin_url('admin-ajax.php?action=thread_proxy_chat_token'))
        );
    }
    printf('<script src="%s/widget.js" async></script>', esc_url(CHAT_SERVER));
});

/** Whoever is signed in gets a session token; WordPress calls this for nobody else. */
add_action('wp_ajax_thread_proxy_chat_token', function () {
    nocache_headers();
    $answer = wp_remote_post(CHAT_SERVER . '/api/session', [
        'timeout' => 5,
        'headers' => ['Authorization' => 'Bearer ' . CHAT_SITE_KEY, 'Content-Type' => 'application/json'],
        'body' => wp_json_encode(['user_id' => (string) get_current_user_id()]),
    ]);
    if (wp_remote_retrieve_response_code($answer) !== 201) {
        wp_send_json(['error' => 'The chat cannot be reached.'], 502);
    }
    $session = json_decode(wp_remote_retrieve_body($answer));
    wp_send_json(['session_token' => $session->session_token, 'expires_at' => $session->expires_at]);
});
