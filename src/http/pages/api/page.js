/** Starts Swagger UI on the server's own OpenAPI document. In a file, because the page allows no script within it. */

const dark = matchMedia('(prefers-color-scheme: dark)')
const follow = () => document.documentElement.classList.toggle('dark-mode', dark.matches)
dark.addEventListener('change', follow)
follow()

window.SwaggerUIBundle({
  dom_id: '#reference',
  url: '../v1/openapi.json',
  deepLinking: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  filter: true,
  // A key that was typed in is forgotten with the page.
  persistAuthorization: false,
  tryItOutEnabled: false,
  // The document is checked here; the service for it elsewhere is asked nothing.
  validatorUrl: 'none',
})
