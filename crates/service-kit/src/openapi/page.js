"use strict";

// Swagger UI's own dark colours, when the reader's system asks for them.
const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  // It would send the document to a validator on the internet.
  validatorUrl: null,
  onComplete: () => {
    document.title = document.querySelector("hgroup.main h1, h1, h2")?.firstChild?.textContent.trim() || "API";
  },
});
