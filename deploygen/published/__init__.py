"""What others publish and the plan builds on, each as data with its version and its date."""
