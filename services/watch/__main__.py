"""Run the watch in a process of its own."""

from itaca.main import run_service

if __name__ == "__main__":
    run_service("watch")
