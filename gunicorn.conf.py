"""How gunicorn serves the portal; it reads this by itself when it starts in this folder."""

import os

wsgi_app = "lunaportal.wsgi"
logger_class = "lunaportal.gunicorn.ServerLogger"

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_PROCESSES", "2"))
threads = int(os.environ.get("WEB_THREADS", "8"))
preload_app = True  # a portal that cannot start says so once, and the processes share memory
keepalive = 75  # the SDK's connections idle for longer than gunicorn's 2 seconds, and a PATCH is not retried
forwarded_allow_ips = ""  # lunaportal.middleware.trust_proxies decides whose X-Forwarded-* count
control_socket_disable = True
errorlog = None  # ServerLogger hands on to the portal's log, which has request lines of its own
accesslog = None
