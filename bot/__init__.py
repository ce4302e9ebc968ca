"""The edge: web, channels, delivery, start-up. The only folder that talks to the world."""
