<?php
// The parts of Laravel that examples/laravel uses, for a test without Laravel. The header X-Demo-User stands for a login.
namespace Illuminate\Http {
    class Request
    {
        public function user(): ?object
        {
            $id = $_SERVER['HTTP_X_DEMO_USER'] ?? null;
            return $id === null ? null : (object) ['id' => (int) $id];
        }
    }
}

namespace Illuminate\Support\Facades {
    class Http
    {
        private function __construct(private string $token, private int $timeout = 30)
        {
        }

        public static function withToken(string $token): self
        {
            return new self($token);
        }

        public function timeout(int $seconds): self
        {
            $this->timeout = $seconds;
            return $this;
        }

        public function post(string $url, array $data): object
        {
            $call = curl_init($url);
            curl_setopt_array($call, [
                CURLOPT_RETURNTRANSFER => true,
                CURLOPT_TIMEOUT => $this->timeout,
                CURLOPT_POSTFIELDS => json_encode($data),
                CURLOPT_HTTPHEADER => ["Authorization: Bearer $this->token", 'Content-Type: application/json'],
            ]);
            $text = curl_exec($call);
            $status = curl_getinfo($call, CURLINFO_RESPONSE_CODE);
            return new class ($status, $text) {
                public function __construct(private int $status, private string $text)
                {
                }

                public function created(): bool
                {
                    return $this->status === 201;
                }

                public function json(string $key): mixed
                {
                    return json_decode($this->text, true)[$key];
                }
            };
        }
    }

    class Route
    {
        public static array $routes = [];
        private array $middleware = [];

        private function __construct(private \Closure $action)
        {
        }

        public static function get(string $path, \Closure $action): self
        {
            return self::$routes[$path] = new self($action);
        }

        public function middleware(string $name): self
        {
            $this->middleware[] = $name;
            return $this;
        }

        public function run(\Illuminate\Http\Request $request): void
        {
            // As Laravel does: guests are sent to the login page.
            if (in_array('auth', $this->middleware, true) && $request->user() === null) {
                header('Location: /login', true, 302);
                return;
            }
            ($this->action)($request)->send();
        }
    }
}

namespace {
    use Illuminate\Http\Request;
    use Illuminate\Support\Facades\Route;

    function config(string $key): ?string
    {
        return [
            'services.chat.server' => getenv('CHAT_SERVER'),
            'services.chat.site_key' => getenv('SITE_KEY'),
        ][$key] ?? null;
    }

    function abort_unless(bool $condition, int $status): void
    {
        if ($condition) {
            return;
        }
        http_response_code($status);
        exit;
    }

    function response(): object
    {
        return new class {
            private array $data;
            private array $headers = ['Content-Type' => 'application/json'];

            public function json(array $data): self
            {
                $this->data = $data;
                return $this;
            }

            public function header(string $name, string $value): self
            {
                $this->headers[$name] = $value;
                return $this;
            }

            public function send(): void
            {
                foreach ($this->headers as $name => $value) {
                    header("$name: $value");
                }
                echo json_encode($this->data);
            }
        };
    }

    require getcwd() . '/routes/web.php';
    $route = Route::$routes[parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH)] ?? null;
    if ($route === null) {
        http_response_code(404);
    } else {
        $route->run(new Request());
    }
}
