// Which tabs there are follows from what the page was built with.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const known = [
    ["neuron", Explorer.neuronTab],
    ["unit", Explorer.unitTab],
    ["network", Explorer.networkTab],
    ["learn", Explorer.learnTab],
  ];
  Explorer.tabs = known.filter(([name]) => name in data).map(([name, tab]) => tab(data[name]));
  Explorer.start();
})();
