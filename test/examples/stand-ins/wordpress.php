<?php
// The parts of WordPress that examples/wordpress uses, for a test without WordPress. The header X-Demo-User stands for a
// login.
define('ABSPATH', '/');
define('CHAT_SERVER', getenv('CHAT_SERVER'));
define('CHAT_SITE_KEY', getenv('SITE_KEY'));

$actions = [];

function add_action(string $name, callable $action): void
{
    $GLOBALS['actions'][$name] = $action;
}

function get_current_user_id(): int
{
    return (int) ($_SERVER['HTTP_X_DEMO_USER'] ?? 0);
}

function is_user_logged_in(): bool
{
    return get_current_user_id() !== 0;
}

function admin_url(string $path): string
{
    return "http://$_SERVER[HTTP_HOST]/wp-admin/$path";
}

function esc_url(string $url): string
{
    return htmlspecialchars($url);
}

function wp_json_encode(mixed $data): string
{
    return json_encode($data);
}

function nocache_headers(): void
{
    header('Cache-Control: no-cache, must-revalidate, max-age=0, no-store, private');
}

function wp_send_json(mixed $data, int $status = 200): never
{
    header('Content-Type: application/json; charset=UTF-8');
    http_response_code($status);
    echo json_encode($data);
    exit;
}

function wp_remote_post(string $url, array $options): array
{
    $headers = array_map(fn($name, $value) => "$name: $value", array_keys($options['headers']), $options['headers']);
    $call = curl_init($url);
    curl_setopt_array($call, [
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_TIMEOUT => $options['timeout'],
        CURLOPT_POSTFIELDS => $options['body'],
        CURLOPT_HTTPHEADER => $headers,
    ]);
    $body = curl_exec($call);
    return ['body' => $body, 'code' => curl_getinfo($call, CURLINFO_RESPONSE_CODE)];
}

function wp_remote_retrieve_response_code(array $answer): int
{
    return $answer['code'];
}

function wp_remote_retrieve_body(array $answer): string
{
    return $answer['body'];
}

require getcwd() . '/plugin.php';
if (str_starts_with($_SERVER['REQUEST_URI'], '/wp-admin/admin-ajax.php')) {
    // As WordPress does: `wp_ajax_…` is for users who are signed in, `wp_ajax_nopriv_…` for guests.
    $action = $actions['wp_ajax_' . (is_user_logged_in() ? '' : 'nopriv_') . ($_GET['action'] ?? '')] ?? null;
    $action === null ? http_response_code(400) : $action();
} else {
    $actions['wp_footer']();
}
