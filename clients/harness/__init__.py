"""What every client suite stands on: brokers to start and kill, checks to count, tools to install and run."""
