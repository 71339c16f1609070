{# USES_VARIABLES { N } #}
{# One kernel's generated parts, each under a heading that `source` splits at. #}
{% macro cpp_file() %}
//@ scalar
{% for line in scalar_code %}
{{line}}
{% endfor %}
//@ vector
{% for line in vector_code %}
{{line}}
{% endfor %}
//@ pointers
{% for line in pointers_lines %}
{{line}}
{% endfor %}
{% endmacro %}
{% macro h_file() %}
{% endmacro %}
