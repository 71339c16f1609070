{# USES_VARIABLES { N } #}
{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.cpp' %}

{# Brian2's loop over all rows, over those of one block instead, in whole vectors: the arrays are
   padded, so that no row is left over for scalar code that rounds differently. They are advanced in
   parts, of which source.py has the random numbers drawn ahead. #}
{% block maincode %}
    const size_t _vectorisation_idx = -1;
    {{scalar_code|autoindent}}
    const int _first = neurosim::block().first, _end = neurosim::block().end;
    for(int _part=_first; _part<_end; _part+=neurosim::GAUSSIANS)
    {
        const int _stop = _end - _part < neurosim::GAUSSIANS ? _end : _part + neurosim::GAUSSIANS;
        //@ drawn ahead
        #pragma omp simd
        for(int _idx=_part; _idx<_stop; _idx++)
        {
            const size_t _vectorisation_idx = _idx;
            {{vector_code|autoindent}}
        }
    }
{% endblock %}
