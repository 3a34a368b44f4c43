"""What plan, deploy and destroy share: the way in, what they tell, and the progress they show."""
