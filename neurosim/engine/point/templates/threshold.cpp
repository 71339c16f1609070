{# USES_VARIABLES { N } #}
{% extends 'common_group.cpp' %}

{# As Brian2's, over the rows of one block; groups of rows in which none crosses are passed over. #}
{% block maincode %}
    {% set _eventspace = get_array_name(eventspace_variable) %}
    const int _vectorisation_idx = -1;
    {{scalar_code|autoindent}}
    long _count = 0;
    const int _stop = neurosim::block().last;
    for(int _group=neurosim::block().first; _group<_stop; _group+=64)
    {
        const int _group_end = _group + 64 < _stop ? _group + 64 : _stop;
        char _any = 0;
        for(int _idx=_group; _idx<_group_end; _idx++)
        {
            const size_t _vectorisation_idx = _idx;
            {{vector_code|autoindent}}
            _any |= _cond;
        }
        if(!_any) continue;
        for(int _idx=_group; _idx<_group_end; _idx++)
        {
            const size_t _vectorisation_idx = _idx;
            {{vector_code|autoindent}}
            if(_cond) {
                {{_eventspace}}[_count++] = _idx;
                {% if _uses_refractory %}
                {{not_refractory}}[_idx] = false;
                {{lastspike}}[_idx] = {{t}};
                {% endif %}
            }
        }
    }
    {{_eventspace}}[N] = _count;
{% endblock %}

{% block after_code %}
{% set _eventspace = get_array_name(eventspace_variable) %}
{{_eventspace}}[N] = 0;
{% endblock %}
