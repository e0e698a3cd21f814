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
