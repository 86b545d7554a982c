"""How gunicorn serves the portal; it reads this by itself when it starts in this folder."""

from pathlib import Path

from environs import Env

env = Env()
env.read_env(Path(__file__).with_name(".env"), recurse=False)  # gunicorn starts before the settings read it

wsgi_app = "lunaportal.wsgi"
logger_class = "lunaportal.gunicorn.ServerLogger"

bind = f"{env.str('HOST', '127.0.0.1')}:{env.int('PORT', 8000)}"
worker_class = "gthread"
workers = env.int("WEB_PROCESSES", 2)
threads = env.int("WEB_THREADS", 8)
preload_app = True  # a portal that cannot start says so once, and the processes share memory
keepalive = 75  # the SDK's connections idle for longer than gunicorn's 2 seconds, and a PATCH is not retried
forwarded_allow_ips = ""  # lunaportal.middleware.trust_proxies decides whose X-Forwarded-* count
control_socket_disable = True
errorlog = None  # ServerLogger hands on to the portal's log, which has request lines of its own
accesslog = None
