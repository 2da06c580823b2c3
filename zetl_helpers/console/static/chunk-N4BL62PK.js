var c=Object.defineProperty;var o=(t,e)=>{for(var n in e)c(t,n,{get:e[n],enumerable:!0})};function m(){return document.querySelector("meta[name=csp-nonce]")?.content??""}export{o as a,m as b};
