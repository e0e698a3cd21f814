{{ about | header }}

# The application: an object, or a factory that returns it.
wsgi_app = {{ app.entrypoint | py }}
{% for section in sections %}

# --- {{ section.title }} ---
{% for setting in section.settings %}

{{ setting | why }}
{{ setting.name }} = {{ setting.value | py }}
{% endfor %}
{% endfor %}
{% if listens_anew %}


def post_worker_init(worker):
    """Let backlog hold: asyncio listens anew in each worker, with a queue of 100."""
    listen = worker.loop.create_server
    worker.loop.create_server = lambda *given, **named: listen(
        *given, **{"backlog": worker.cfg.backlog, **named}
    )
{% endif %}
