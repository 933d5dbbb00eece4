<?php
// The token endpoint of a Laravel app: put this route into routes/web.php. In config/services.php:
//   'chat' => ['server' => env('CHAT_SERVER'), 'site_key' => env('SITE_KEY')],
// SITE_KEY is one of the service's SITE_KEYS; it never goes into a page.
use Illuminate\Http\Request;
use Illuminate\Support\Facades\Http;
use Illuminate\Support\Facades\Route;

Route::get('/chat-token', function (Request $request) {
    $answer = Http::withToken(config('services.chat.site_key'))
        ->timeout(10)
        ->post(config('services.chat.server') . '/api/session', ['user_id' => (string) $request->user()->id]);
    abort_unless($answer->created(), 502);
    return response()
        ->json(['session_token' => $answer->json('session_token'), 'expires_at' => $answer->json('expires_at')])
        ->header('Cache-Control', 'no-store');
})->middleware('auth');
