// What pages do beyond plain HTML. Everything can be read without it.
"use strict";
