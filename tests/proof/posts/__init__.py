"""Posts to a web service that is built on `sesamy_async.fastapi`."""
